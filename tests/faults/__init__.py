"""The stores under faults, and the checker that says whether they kept what they promise."""
