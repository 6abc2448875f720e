-- exit: 3
setup(function()
    error("no database at " .. env("DB", "nowhere"))
end)
scenario("browse", { vus = 1 }, function() end)
