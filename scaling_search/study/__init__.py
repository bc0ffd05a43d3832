"""The whole way: plan → run → analyze → emit. Every step reads the run folder's earlier files and writes its own."""

from scaling_search.study.finishing import finish
from scaling_search.study.running import execute
from scaling_search.study.setup import Setup, plan_run, reopen

__all__ = ["Setup", "execute", "finish", "plan_run", "reopen"]
