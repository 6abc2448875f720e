-- exit: 3
-- stderr: redis.connect: unknown option "prot"; the options are host, password, port, timeout
redis.connect { prot = 1 }
