-- exit: 5
-- stdout: out of stock
-- stderr: @ before
scenario("order", { vus = 1, iterations = 1 }, function()
    print("@ before")
    fail("out of stock")
    print("@ after")
end)
