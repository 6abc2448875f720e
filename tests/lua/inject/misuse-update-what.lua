-- exit: 3
-- stderr: update: expected a fault of the kind stress.cpu, got table
local busy = inject(stress.cpu { load = "5%", workers = 1 })
busy:update { load = "10%" }
