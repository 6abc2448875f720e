local first = now()
expect(first > 1.7e12, "milliseconds since 1970")
sleep("20ms")
local passed = now() - first
expect(passed >= 19 and passed < 10000, "it goes forward")
