// Package psp is the gateway to payment service providers. It performs the requests of psp.requests.v1 over HTTP and
// reports what each PSP said to payments.inbox.v1.
//
// It decides nothing about payments and never guesses about money. What it must hold:
//
//	G1  A request is performed at most once. It is sent again only to a PSP that performs a key once, while its key
//	    window is open; a PSP without keys has an attempt row before anything is sent, and a row is polled, never re-sent. A PSP with keys
//	    that cannot be asked (Repeater) is sent the request again by who has taken the row over.
//	G2  Nothing is sent after not_after.
//	G3  "failed" and "not_found" are said only where nothing was and nothing will be performed; everything else that is
//	    not an answer is "unknown". "Not sent" needs a proof: no connection was ever had, or the PSP says so in answer to
//	    the only sending.
//	G4  An offset is committed only when the report of every record before it is acknowledged by the inbox.
//	G5  Requests of one payment are performed one after another, in their order in the topic.
//	G6  A request that a routing plan chose, or for a payout, is sent by the one gateway that has claimed it, and "failed: not
//	    sent" is stored before it is said, where nobody has taken the request over, and never taken back: the payment goes on to another PSP at once, the payout is
//	    asked for again.
//
// A crash at any moment leaves records whose offsets are not committed. The next owner meets them again: G1 makes that
// harmless at the PSP, and the payment ignores an answer that it has had.
package psp
