local start = now()
sleep("30ms")
expect(now() - start >= 29, "at least as long")
for _ = 1, 5 do
    start = now()
    sleep("5ms", "10ms")
    expect(now() - start >= 4.9, "from the first")
end
