-- exit: 3
scenario("browse", { executor = "constant-arival-rate", rate = "5/s", duration = "1s" }, function() end)
