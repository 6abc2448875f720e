-- A core is busy until it is healed; the processes that do it are then gone.
local live = inject(stress.cpu { load = "20%", workers = 1 })
expect("one process does it", #live.facts.pids == 1)
live:heal()
expect("it is gone", #process.find { pid = live.facts.pids[1] }:list() == 0)
