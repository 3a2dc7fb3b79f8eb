package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/weirhq/weir/api"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/customerkeys"
	"github.com/weirhq/weir/internal/health"
	"github.com/weirhq/weir/internal/killswitch"
	"github.com/weirhq/weir/internal/listtopic"
	"github.com/weirhq/weir/processors/checkpoints"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/sandbox"
	"github.com/weirhq/weir/processors/psp/webhook"
	"github.com/weirhq/weir/processors/risk"
	"github.com/weirhq/weir/processors/risk/enrich"
	"github.com/weirhq/weir/processors/statements"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/velocity"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// assemble builds the roles that this process runs. Who answers for them on /readyz comes last: the API, or a server
// of health alone where the process does not run it.
func (e *Engine) assemble(ctx context.Context) error {
	builders := []struct {
		role  string
		build func(context.Context) error
	}{
		{"sandbox", e.addSandbox}, {"risk", e.addRisk}, {velocity.RoleName, e.addVelocity}, {"payments", e.addPayments}, {"psp", e.addGateway},
		{"webhooks", e.addWebhooks}, {"statements", e.addStatements}, {checkpoints.Role, e.addCheckpoints},
		{"api", e.addAPI},
	}
	for _, b := range builders {
		if !e.Config.Runs(b.role) {
			continue
		}
		if err := b.build(ctx); err != nil {
			return fmt.Errorf("role %s: %w", b.role, err)
		}
	}
	if e.Config.Runs("api") {
		return nil
	}
	return e.addHealth()
}

// checkRules refuses broken rules before anything is started that takes its time.
func (e *Engine) checkRules() error {
	if !e.Config.Runs(risk.RoleName) {
		return nil
	}
	if err := risk.CheckRules(e.rules()); err != nil || e.Config.Risk.Routing == "" {
		return err
	}
	return risk.CheckRoutes(e.Config.Risk.Routing, e.providers())
}

// providers are the PSPs that a routing file may name; nil: this process knows none, and it may name any.
func (e *Engine) providers() []string { return slices.Sorted(maps.Keys(e.Config.PSP)) }

func (e *Engine) rules() []string { return paths(e.Config.Risk.Rules) }

// paths is a path of the configuration as a list, empty where it is.
func paths(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

func (e *Engine) addRisk(context.Context) error {
	files, err := enrich.Open(enrich.Config{
		GeoIPASN: e.Config.Risk.GeoIPASN, GeoIPCountry: e.Config.Risk.GeoIPCountry, BINTable: e.Config.Risk.BINTable,
		Log: e.log.With("role", risk.RoleName), Registerer: e.registry,
	})
	if err != nil {
		return err
	}
	r, err := risk.New(risk.Config{
		Kafka: e.Kafka, Partitions: e.Config.Kafka.Partitions, Rules: e.rules(), Find: files.Find,
		InstanceID: e.Config.Stream.InstanceID, Limits: streamLimits(&e.Config.Stream), Log: e.log, Registerer: e.registry,
		Within: e.Config.Velocity.Within, Deployed: e.Config.Risk.RulesFrom == "topic", FourEyes: e.Config.Risk.FourEyes,
		Candidate: paths(e.Config.Risk.Candidate), Region: e.Config.Region,
		Routing: e.Config.Risk.Routing, PSPs: e.providers(), Controls: e.killSwitches().Controls,
	})
	if err != nil {
		return err
	}
	e.set = r.Set
	e.roles = append(e.roles, role{"risk", r.Run, r.Ready})
	e.advice = append(e.advice, health.Check{Name: "rules", Advisory: true, Func: func(context.Context) error { return r.RulesBroken() }}, health.Check{Name: "data_files", Advisory: true, Func: func(context.Context) error { return files.Status() }})
	e.roles = append(e.roles, role{"data_files", func(ctx context.Context) error { files.Watch(ctx); return nil }, nil})
	return nil
}

func (e *Engine) addVelocity(context.Context) error {
	c := &e.Config.Velocity
	limits := streamLimits(&e.Config.Stream)
	limits.FlushInterval = c.Flush
	v, err := velocity.New(velocity.Config{
		Kafka: e.Kafka, Skew: c.Skew, ReplyBytes: int(c.ReplyBytes), Keep: c.Keep, InstanceID: e.Config.Stream.InstanceID, Limits: limits,
		Log: e.log, Registerer: e.registry,
	})
	if err != nil {
		return err
	}
	e.roles = append(e.roles, role{velocity.RoleName, v.Run, v.Ready})
	return nil
}

func (e *Engine) addPayments(context.Context) error {
	timers, err := newTimerProducer(e.Kafka)
	if err != nil {
		return err
	}
	e.closers = append(e.closers, timers.close)
	program, err := payments.New(payments.Config{
		Pool: e.Database.Pool, Partitions: e.Config.Kafka.Partitions, Limits: lifecycleLimits(e.Config), Payouts: payoutTerms(&e.Config.Payouts),
		Payers: sandboxes(e.Config.PSP), Answering: sandboxes(e.Config.PSP),
		Produce: timers.produce, Registerer: e.registry, Log: e.log,
	})
	if err != nil {
		return err
	}
	fold, err := stream.NewFold(stream.FoldConfig{
		Role: payments.Role, Input: topics.Inbox, DeadLetters: topics.InboxDeadLetters, Format: payments.Format,
		Program: program, DB: e.Database, Kafka: e.Kafka, InstanceID: e.Config.Stream.InstanceID,
		Limits: streamLimits(&e.Config.Stream), Log: e.log, Registerer: e.registry, Hook: e.hook,
	})
	if err != nil {
		return err
	}
	e.roles = append(e.roles, role{"payments", fold.Run, fold.Ready})
	return nil
}

func (e *Engine) addGateway(ctx context.Context) error {
	adapters, err := e.adapters()
	if err != nil {
		return err
	}
	stranded, err := psp.Stranded(ctx, e.Database, e.providers())
	if err != nil {
		return err
	}
	for name, payouts := range stranded {
		e.log.Warn("payouts are under way at a PSP that is not configured: they wait, or are not known, until it is again", "psp", name, "payouts", payouts)
	}
	concurrency := 0
	for _, p := range e.Config.PSP {
		concurrency = max(concurrency, p.Concurrency)
	}
	gateway, err := psp.New(psp.Config{
		Kafka: e.Kafka, Instance: e.Config.Stream.InstanceID, Adapters: adapters,
		Attempts: psp.NewStoredAttempts(e.Database), Concurrency: concurrency, CallTimeout: longestCall(e.Config.PSP),
		DrainTimeout: e.Config.Stream.DrainTimeout, Disabled: disabled(e.killSwitches()), Log: e.log, Metrics: e.registry,
	})
	if err != nil {
		return err
	}
	e.roles = append(e.roles, role{"psp", knowing(e.killSwitches(), gateway.Run), gateway.Ready})
	return nil
}

func (e *Engine) addWebhooks(context.Context) error {
	mappers, err := Mappers(e.Config)
	if err != nil {
		return err
	}
	w, err := webhooks.New(webhooks.Config{
		Kafka: e.Kafka, Database: e.Database, Mappers: mappers, Partitions: e.Config.Kafka.Partitions,
		Parking: webhooks.Parking{For: e.Config.Webhooks.ParkFor}, InstanceID: e.Config.Stream.InstanceID,
		Limits: streamLimits(&e.Config.Stream), Log: e.log, Registerer: e.registry,
	})
	if err != nil {
		return err
	}
	e.roles = append(e.roles, role{"webhooks", w.Run, w.Ready})
	return nil
}

func (e *Engine) addStatements(context.Context) error {
	s, err := statements.New(statements.Config{Database: e.Database, Kafka: e.Kafka, Log: e.log, Registerer: e.registry})
	if err != nil {
		return err
	}
	// Advisory: payments go on where statements cannot, and readers of these are told how far they are.
	e.roles = append(e.roles, role{statements.Role, s.Run, nil})
	e.advice = append(e.advice, health.Check{Name: statements.Role, Advisory: true, Func: func(context.Context) error { return s.Ready() }})
	return nil
}

// addCheckpoints adds the role where there is a key to sign with.
func (e *Engine) addCheckpoints(context.Context) error {
	l := &e.Config.Ledger
	if l.CheckpointKey == "" {
		e.log.Info("no checkpoints of the ledger are signed: ledger.checkpoint_key is not set; weir ledger keygen makes a key")
		return nil
	}
	c, err := checkpoints.New(checkpoints.Config{
		Pool: e.Database.Pool, Kafka: e.Kafka, Key: l.CheckpointKey.Reveal(), Interval: l.CheckpointInterval, Log: e.log,
	})
	if err != nil {
		return fmt.Errorf("ledger.checkpoint_key: %w", err)
	}
	e.roles = append(e.roles, role{checkpoints.Role, c.Run, nil})
	return nil
}

// verifiers are what webhooks are verified with. A PSP without a secret and a public key has none: its webhooks are refused.
func verifiers(psps map[string]config.PSP) (webhook.Verifiers, error) {
	all := webhook.Verifiers{}
	for name, p := range psps {
		w := &p.Webhook
		secrets, public := w.Secrets(), w.PublicKeys()
		if len(secrets)+len(public) == 0 {
			continue
		}
		verifier, err := webhook.New(webhook.Scheme{Name: w.Scheme, Secrets: secrets, PublicKeys: public, Template: webhook.Template{
			SignatureHeader: w.SignatureHeader, SignaturePrefix: w.SignaturePrefix, Encoding: w.Encoding, SecretEncoding: w.SecretEncoding,
			TimestampHeader: w.TimestampHeader, IDHeader: w.IDHeader, Signed: w.Signed,
		}})
		if err != nil {
			return nil, fmt.Errorf("psp.%s.webhook: %w", name, err)
		}
		all[name] = verifier
	}
	return all, nil
}

// lists are those of the rule set in force, which a process without the risk role follows for them alone.
func (e *Engine) lists() (*listtopic.Desk, error) {
	if e.set == nil {
		f, err := risk.NewInForce(risk.Config{Kafka: e.Kafka, Rules: e.rules(), Deployed: e.Config.Risk.RulesFrom == "topic",
			FourEyes: e.Config.Risk.FourEyes, Log: e.log.With("role", "api")})
		if err != nil {
			return nil, err
		}
		e.set = f.Set
		e.roles = append(e.roles, role{"rules_in_force", f.Run, nil})
		e.advice = append(e.advice, health.Check{Name: "lists", Advisory: true, Func: func(context.Context) error { return f.Err() }})
	}
	return listtopic.Open(e.Kafka, e.set)
}

// customerKeys are the master keys of customers' data keys, nil where there are none.
func (e *Engine) customerKeys() (*customerkeys.Masters, error) {
	if err := e.Config.MakeCustomerKey(e.log); err != nil {
		return nil, err
	}
	keys, err := e.Config.CustomerKeys()
	if err == nil && keys == nil {
		e.log.Info("records of customers cannot be written, and nothing personal can be read: customers.master_key is not set")
	}
	return keys, err
}

func (e *Engine) addAPI(context.Context) error {
	listener, err := e.listen()
	if err != nil {
		return err
	}
	verify, err := verifiers(e.Config.PSP)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	keys, err := e.customerKeys()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	lists, err := e.lists()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	switches, err := killswitch.Open(e.Kafka, e.providers())
	if err != nil {
		lists.Close()
		return errors.Join(err, listener.Close())
	}
	a, err := api.New(api.Config{
		Listener: listener, Keys: apiKeys(e.Config), Webhooks: verify, Database: e.Database, Broker: e.Kafka, Lists: lists, Switches: switches, Links: linkPages(&e.Config.Links), CustomerKeys: keys, Checks: e.checks(),
		Limits: apiLimits(&e.Config.API), Log: e.log, Metrics: e.registry,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	e.roles = append(e.roles, role{"api", a.Run, nil})
	return nil
}

func (e *Engine) addSandbox(context.Context) error {
	s := &e.Config.Sandbox
	server, err := sandbox.Start(sandbox.Config{
		Addr: s.Listen, APIKey: s.APIKey.Reveal(), WebhookURL: s.WebhookURL, WebhookSecret: s.WebhookSecret.Reveal(),
		DataDir: sandboxDir(e.Config), MaxPayments: s.MaxPayments, Latency: s.Latency, Log: e.log,
	})
	if err != nil {
		return err
	}
	e.closers = append(e.closers, server.Close)
	return nil
}
