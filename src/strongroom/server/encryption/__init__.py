"""What encrypts which kind: EncryptionConfiguration, its providers and their health."""
