-- exit: 3
-- A key that no executor has, with the nearest one.
scenario("browse", { executor = "constant-vus", vus = 2, durration = "5s" }, function() end)
