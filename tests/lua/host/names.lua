options { agents = { db1 = { command = { "true" }, control = { "10.0.0.7" } } } }
expect(tostring(host("db1")) == "host db1", "named")
expect(host("db1").agent == "db1", "agent")
expect(tostring(host()) == "this host", "this one")
