-- exit: 5
scenario("order", { vus = 1 }, function(vu)
    expect(vu.id == 0, "ids start at 0")
end)
