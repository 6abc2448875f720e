-- exit: 3
-- stderr: update: stress.cpu cannot be changed while it is live; heal it, and inject another
local busy = stress.cpu { load = "5%", workers = 1 }
inject(busy):update(busy)
