package topics

// RoutePlan is the order in which PSPs may be asked for a payment's authorisation, made from the routing file that was in
// force. It stands once: in the event that first asks a PSP, or that holds the payment before; of a payment that is created
// to be authorised later, in its created event.
type RoutePlan struct {
	Version string `json:"version"` // content hash of the routing file
	// Candidates are asked one after another: the next one only where the one before declined softly, or provably performed
	// nothing. Where every route is disabled or down, they are listed all the same: the gateway says so at once, and the
	// payment may wait (DeferSeconds). None: the payment is declined as no_route.
	Candidates []RouteCandidate `json:"candidates,omitempty"`
	// Later are those left out that were only unhealthy or disabled: a payment that has waited (DeferSeconds) asks them too,
	// after the candidates.
	Later   []RouteCandidate `json:"later,omitempty"`
	LeftOut []RouteLeftOut   `json:"left_out,omitempty"`
	// Attempts is how many requests may be sent, all PSPs together. One that provably was not sent does not count.
	Attempts int `json:"attempts"`
	// WithinSeconds is how long after the first request another candidate may still be asked.
	WithinSeconds int64 `json:"within_seconds"`
	// DeferSeconds is how long the payment waits for a route, where every candidate could provably not be asked; 0: not at all.
	DeferSeconds int64 `json:"defer_seconds,omitempty"`
	// Country is that of the card as routes and kill switches see it: the producer's word, else that of the BIN table.
	Country string `json:"country,omitempty"`
	// Partial says that neither card nor amount was known, and the routing file asks for them: a plan that was made when the
	// payment was created is the better one.
	Partial bool `json:"partial,omitempty"`
}

// RouteCandidate is one route of a plan.
type RouteCandidate struct {
	Route string `json:"route"` // its name in the routing file
	PSP   string `json:"psp"`
	Why   string `json:"why,omitempty"` // why it stands here, for people
	// Approved and Declined are what was learnt of the route and drawn from, in millionths of a request; strategy bandit alone.
	Approved int64 `json:"approved,omitempty"`
	Declined int64 `json:"declined,omitempty"`
}

// RouteLeftOut is a route that a plan does not ask.
type RouteLeftOut struct {
	Route  string `json:"route"`
	PSP    string `json:"psp"`
	Reason string `json:"reason"` // a code: condition, limit, unhealthy, disabled …
	Detail string `json:"detail,omitempty"`
}

// Decline codes of authorisations that no PSP declined.
const (
	DeclineNotPerformed  = "not_performed"  // polled after not_after, the PSP knows nothing of it
	DeclineNotSent       = "not_sent"       // the PSP could not be reached, provably
	DeclineRouteDisabled = "route_disabled" // by a kill switch; provably not sent
	DeclineNoRoute       = "no_route"       // no candidate could be asked
)
