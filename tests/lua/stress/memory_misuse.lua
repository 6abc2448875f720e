-- More than the host can spare is refused without force.
-- exit: 4
-- stderr: stress.memory: 1000 TB would leave the host less than the reserve
inject(stress.memory { bytes = "1000TB" })
