// Package faulttest has no code, only tests: a whole engine is given everything that is wrong, and must answer each with a
// clear error or put it aside, lose nothing, change nothing else and go on.
//
//	world_test.go       one engine with everything embedded, and what drives and observes it
//	request_test.go     wrong requests over HTTP
//	command_test.go     wrong commands and records on Kafka
//	webhook_test.go     wrong deliveries of the PSP
//	cardnumber_test.go  a card number in every place, and the search for it afterwards
//	money_test.go       attempts to get money, or another tenant's data
//	regression_test.go  what users of other ledgers ran into with several clients at once
//	start_test.go       what stops a start: configuration, rules, ports, directories, servers that are away
//	disk_linux_test.go  a full disk
//	process_test.go     weir as a process of its own, for the last two
package faulttest
