-- exit: 3
experiment("a", function(x)
    x:steady_state("s", function(probe)
        probe:http("up", "http://127.0.0.1:9/", { status = { mni = 200 } })
    end)
end)
