-- exit: 3
-- stderr: postgres.connect: unknown option "db"; the options are database, host, password, port, timeout, user
postgres.connect { db = "shop" }
