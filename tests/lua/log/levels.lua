-- stderr: weighs=2 who="ann b"
log.debug("quiet")
log.info("loud", { weighs = 2, who = "ann b" })
log.warn("louder")
log.error("loudest")
log("called")
log(nil)
print("printed", 1, nil)
