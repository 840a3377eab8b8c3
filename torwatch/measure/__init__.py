"""Estimators: plain values in, an estimate or a refusal with its reason out. No I/O."""
