// Package graph is what AML (anti-money laundering) knows of who is tied to whom: customers, the instruments that they use,
// and the money that goes from one to another. It is pure: a Graph is a fold of events, without a clock, a topic or a file.
//
// # What is held
//
// A Party is a customer or an instrument: a card, device, IP address, bank account, wallet or postal address. A link says
// that a customer used an instrument: first and last time, how often, for how much (link.go). A transfer is money that went
// from one party to another; each is held by itself, so that a finding names the very ledger movements that it is made of
// (transfer.go). Amounts are minor units of one reporting currency; whoever feeds the graph converts them by dated rates.
//
// Links and transfers are held over a horizon of event time that slides in buckets (span.go). Where there are more of them
// than the limit, the oldest buckets go first, and Stats says since when everything is held.
//
// # Late events
//
// An event's time is clamped to [recorded − lateness, recorded]: one that is dated back cannot slip out of what is held, one
// that is dated ahead cannot push out what others did. The state is a function of the set of events, not of their order:
//
//	G1  Graphs that folded the same events, in any order, encode to the same bytes.
//	G2  They have made the same findings, made of the same transfers.
//	G3  A graph that was decoded goes on as one that was never stopped.
//
// G2 is why a pattern is looked for at its last transfer in event time, among what lies before it (examine.go): a transfer
// that comes late has the later ones near it examined again. It holds where the horizon is longer than lateness and the
// longest window together, which Check demands, and where nothing was cut short.
//
// # Bounded work
//
// Every search has a budget of steps, whatever the graph looks like. Where it runs out, what was found so far is told, and
// CutShort says so: a hub with a million neighbours and a graph of a million cycles cost what any other costs. Buckets that
// the horizon left are invisible at once, and taken apart a few edges with each event.
//
// An instrument shared by more customers than Limits.Hub, such as a carrier's IP address, is a hub: it joins no groups and
// counts in no score (group.go). While buckets are taken apart, an instrument with very many links may be held for a hub a
// little longer than it is one.
//
// # Patterns
//
// The flow patterns are those of the literature: E. Altman and others, "Realistic Synthetic Financial Transactions for
// Anti-Money Laundering Models" (AMLworld, NeurIPS 2023, arXiv:2306.16424), figure 2, after T. Suzumura and H. Kanezashi,
// "AMLSim" (github.com/IBM/AMLSim, wiki: Alert Model). J. Blanuša and others, "Graph Feature Preprocessor" (ICAIF 2024,
// arXiv:2402.08593), look for them in a stream, too, around each new edge. What each is here stands in pattern.go, and for
// a regulator in docs/aml.md.
package graph
