"""Reconciliation (对账): every day WeChat's bills are compared with our books."""
