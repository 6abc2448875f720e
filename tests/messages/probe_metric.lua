-- exit: 3
experiment("a", function(x)
    x:steady_state("s", function(probe)
        probe:metric("errors", "http_req_faild", "rate < 1%")
    end)
end)
