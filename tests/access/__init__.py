"""Tests of authentication, authorization and admission."""
