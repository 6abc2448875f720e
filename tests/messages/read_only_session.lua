-- exit: 5
setup(function() return { token = "abc" } end)
scenario("browse", { vus = 1 }, function(vu, session)
    session.token = "changed"
end)
