module flagger.test/stack

go 1.26.0
