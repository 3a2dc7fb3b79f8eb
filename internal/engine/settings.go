package engine

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/weirhq/weir/api"
	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/stream"
)

// Where the embedded parts keep their data.

func brokerDir(c *config.Config) string   { return filepath.Join(c.DataDir, "broker") }
func databaseDir(c *config.Config) string { return filepath.Join(c.DataDir, "database") }
func sandboxDir(c *config.Config) string  { return filepath.Join(c.DataDir, "sandbox") }

func brokerConfig(k *config.Kafka, brokers []string) broker.Config {
	return broker.Config{
		Brokers: brokers, ClientID: k.ClientID,
		TLS: k.TLS.Enabled, CA: k.TLS.CA, Certificate: k.TLS.Certificate, Key: k.TLS.Key,
		Mechanism: k.SASL.Mechanism, User: k.SASL.User, Password: k.SASL.Password.Reveal(),
	}
}

func streamLimits(s *config.Stream) stream.Limits {
	return stream.Limits{
		BatchRecords: s.BatchRecords, BatchBytes: int(s.BatchBytes), QueueRecords: s.QueueRecords,
		QueueBytes: int(s.QueueBytes), InFlight: s.InFlight, CommitInterval: s.CommitInterval,
		TransactionTimeout: s.TransactionTimeout, SessionTimeout: s.SessionTimeout, DrainTimeout: s.DrainTimeout,
	}
}

func lifecycleLimits(c *config.Config) lifecycle.Limits {
	p := &c.Payments
	limits := lifecycle.DefaultLimits()
	limits.PSP, limits.Region = p.PSP, c.Region
	limits.Created, limits.Held, limits.Challenge = p.CreatedTTL, p.HeldTTL, p.ChallengeTTL
	limits.Review, limits.Authorization = p.ReviewTTL, p.AuthorizationTTL
	limits.AuthorizeWithin, limits.FollowWithin, limits.Grace = p.RequestTTL, p.FollowTTL, p.PollGrace
	limits.UnknownFirst, limits.UnknownMost = p.PollAfter, p.PollMost
	limits.Horizon = p.DedupHorizon
	for name, psp := range c.PSP {
		if psp.OverCapturePercent > 0 {
			if limits.OverCapture == nil {
				limits.OverCapture = make(map[string]int64)
			}
			limits.OverCapture[name] = psp.OverCapturePercent
		}
	}
	for _, of := range p.StatementDescriptors {
		if limits.Descriptors == nil {
			limits.Descriptors = make(map[string]string)
		}
		limits.Descriptors[of.Tenant] = of.Text
	}
	limits.Retries.Attempts, limits.Retries.Within = p.MandateAttempts, p.MandateWithin
	return limits
}

func payoutTerms(p *config.Payouts) payouts.Terms {
	terms := payouts.DefaultTerms()
	terms.OpenLoop, terms.QueueFor = !p.ClosedLoop, p.QueueFor
	return terms
}

// sandboxes are the PSPs whose adapter knows payouts and answers to disputes.
func sandboxes(psps map[string]config.PSP) []string {
	names := []string{}
	for name, p := range psps {
		if p.Adapter == "sandbox" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func apiLimits(a *config.API) api.Limits {
	return api.Limits{
		MaxBody: int64(a.MaxBodyBytes), AnswerWithin: a.Wait, ProduceWithin: a.ProduceWithin,
		TakeOverAfter: a.Idempotency.TakeOverAfter, KeepKeys: a.Idempotency.Keep, Rate: float64(a.Rate), Burst: a.Burst,
	}
}

func linkPages(l *config.Links) api.LinkPages {
	pages := api.LinkPages{Key: []byte(l.Key.Reveal()), URL: l.URL, Methods: make([]api.LinkMethod, len(l.Methods))}
	for i, m := range l.Methods {
		pages.Methods[i] = api.LinkMethod{Label: m.Label, Type: m.Type, Name: m.Name, Token: m.Token}
	}
	return pages
}

func apiKeys(c *config.Config) []api.Key {
	keys := make([]api.Key, len(c.API.Keys))
	for i, k := range c.API.Keys {
		keys[i] = api.Key{Tenant: k.Tenant, Region: c.Region, Name: k.Name, Secret: k.Key.Reveal(), Approver: k.Approver, Personal: k.PersonalData}
	}
	return keys
}

// longestCall is the longest timeout of all PSPs: after it an answer is out of the question.
func longestCall(psps map[string]config.PSP) time.Duration {
	var longest time.Duration
	for _, p := range psps {
		longest = max(longest, p.Timeout)
	}
	return longest
}
