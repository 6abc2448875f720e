-- What is half open sends nothing.
-- exit: 3
-- stderr: stress.connections: option `half_open`: a connection that is half open sends no request; leave out `slow`
stress.connections { to = "127.0.0.1:8080", count = 5, slow = true, half_open = true }
