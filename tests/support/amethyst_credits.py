"""Credits of Amethyst V2 as tests give, archive and judge them."""

from __future__ import annotations

import uuid
from typing import Any

from support.amethyst import Connection, one, row, rows


def unequal(conn: Connection) -> list[dict[str, Any]]:
    """Profiles whose balance is not the ledger's sum, worked out without V2's own functions."""
    return rows(
        conn,
        """
        select p.id, p.credits_balance, coalesce(sum(t.amount), 0) as ledger
        from profiles p
        left join (select user_id, amount from credit_transactions
                   union all select user_id, amount from credit_transactions_archive) t
          on t.user_id = p.id
        group by p.id having p.credits_balance <> coalesce(sum(t.amount), 0)
        """,
    )


def add(
    conn: Connection, who: uuid.UUID, amount: int | None, key: str | None = None
) -> dict[str, Any]:
    return row(conn, "select * from add_credits(%s, %s, 'stripe', 'credits', %s)", who, amount, key)


def balance(conn: Connection, who: uuid.UUID) -> int:
    return int(one(conn, "select credits_balance from profiles where id = %s", who))


def archive(conn: Connection, who: uuid.UUID) -> int:
    return conn.execute(
        """
        with gone as (delete from credit_transactions where user_id = %s returning *)
        insert into credit_transactions_archive
        select g.*, now() from gone g
        """,
        (who,),
    ).rowcount
