local ok, problem = pcall(fail, "out of stock")
expect(not ok, "fail raises")
expect(string.find(tostring(problem), "out of stock", 1, true) ~= nil, "the reason is kept")
