"""The Common Expression Language, in the environment that Kubernetes gives it.

>>> compile_expression("self.replicas <= 5", ["self"]).evaluate({"self": {"replicas": 3}})
True
"""

from strongroom.api.cel.budget import Budget
from strongroom.api.cel.declarations import Declaration
from strongroom.api.cel.errors import CelBudgetError, CelError, CompileError
from strongroom.api.cel.program import Program, compile_expression
from strongroom.api.cel.values import MapList, SetList, UInt

__all__ = [
    "Budget",
    "CelBudgetError",
    "CelError",
    "CompileError",
    "Declaration",
    "MapList",
    "Program",
    "SetList",
    "UInt",
    "compile_expression",
]
