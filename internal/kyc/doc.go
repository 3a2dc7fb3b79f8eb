// Package kyc writes and reads the records that say who customers are.
//
// A record is changed by a command in the inbox, as everything of a customer is, so that it has its place among the customer's
// payments: Desk checks what is asked, encrypts what is personal (customerkeys) and waits for what the fold made of it. There is
// no topic of commands for others than weir's own API and command: who writes one must have the customer's data key.
//
// The personal fields are in memory here and on the way to the caller. They stand in no log, no topic, no answer that is kept and no
// error.
package kyc
