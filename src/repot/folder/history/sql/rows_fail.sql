update {table} set logs = %(logs)s where id = %(id)s
