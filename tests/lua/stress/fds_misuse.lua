-- Whose descriptors must be said.
-- exit: 3
-- stderr: stress.fds: say whose with one of pid = 4242 and target = process.find{ … }
stress.fds { leave = 3 }
