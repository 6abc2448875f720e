-- stderr: @ visit 1 1 visit nil
scenario("visit", { vus = 1, iterations = 1 }, function(vu, session)
    print("@ visit " .. vu.id .. " " .. vu.iteration .. " " .. vu.scenario .. " " .. tostring(session))
end)
