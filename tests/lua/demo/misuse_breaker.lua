-- exit: 3
-- stderr: demo.shop: option `breaker.failures`: write a number from 1
demo.shop { breaker = { failures = 0 } }
