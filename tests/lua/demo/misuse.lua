-- exit: 3
-- stderr: demo.shop: listen: "8.8.8.8:80" is not a loopback address
demo.shop { listen = "8.8.8.8:80" }
