-- exit: 3
-- stderr: profiles.smoke
scenario("s", profiles.smoke { rat = "20/s" }, function() end)
