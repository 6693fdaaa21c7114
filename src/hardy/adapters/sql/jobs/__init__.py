"""Jobs and schedules in the service's own database: nothing else to run, one transaction with the rest of the work.

Floor 3, extra ``sql``. Tables ``hardy_jobs`` and ``hardy_claims``, on SQLite
and PostgreSQL.

Example:
    >>> from hardy import App
    >>> from hardy.adapters.sql import Database, DatabaseSettings
    >>> app = App("orders")
    >>> app.manage(Database(DatabaseSettings(url="sqlite:///:memory:")))
    >>> app.manage(SqlJobs())
"""

from hardy.adapters.sql.jobs._jobs import SqlJobs, SqlJobsStatistics
from hardy.core import publish

__all__ = ["SqlJobs", "SqlJobsStatistics"]

publish(__name__, globals())
