-- exit: 3
-- stderr: misuse-few.lua:3: partitions.majority_ring: it takes 4 targets at least, got 1
partitions.majority_ring { netfault.host() }
