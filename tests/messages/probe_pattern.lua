-- exit: 3
experiment("a", function(x)
    x:steady_state("s", function(probe)
        probe:command("version", { "true" }, { output = { matches = "(" } })
    end)
end)
