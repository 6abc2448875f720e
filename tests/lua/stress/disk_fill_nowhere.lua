-- A folder that is not there is a precondition.
-- exit: 4
-- stderr: there is no folder /no/such/folder
inject(stress.disk_fill { path = "/no/such/folder", bytes = "1MB" })
