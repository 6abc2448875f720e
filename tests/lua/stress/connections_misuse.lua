-- A server has a port.
-- exit: 3
-- stderr: stress.connections: option `to`: "localhost" names no port; write "127.0.0.1:8080"
stress.connections { to = "localhost", count = 5 }
