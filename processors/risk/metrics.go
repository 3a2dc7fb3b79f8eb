package risk

import (
	"cmp"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// metrics of the risk role. Labels are outcomes, refusal codes, and rules by name, of which a rule set has a bounded
// number.
type metrics struct {
	decisions    map[said]prometheus.Counter
	refusals     *prometheus.CounterVec
	deadLettered prometheus.Counter
	ruleResults  *prometheus.CounterVec
	notAssessed  prometheus.Counter
	asked, late  prometheus.Counter
	unconverted  prometheus.Counter
	reloads      *prometheus.CounterVec
	broken       *prometheus.GaugeVec
	candidates   *prometheus.CounterVec
	tripped      *prometheus.GaugeVec
	listEdits    prometheus.Gauge
	routed       *prometheus.CounterVec
}

// said is what was decided where.
type said struct {
	stage   topics.Stage
	outcome topics.Outcome
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	decisions := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_decisions_total",
		Help: "Risk decisions by stage and outcome."}, []string{"stage", "outcome"})
	m := &metrics{
		decisions: map[said]prometheus.Counter{},
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_refusals_total",
			Help: "Commands that were refused before any rule saw them, by code."}, []string{"code"}),
		deadLettered: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_risk_dead_lettered_total",
			Help: "Commands that could not be read or named nobody to tell, and customer events that are wrong."}),
		ruleResults: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_rule_results_total",
			Help: "Results of rules other than misses: hit, missing, error, each with shadow_ before it where the rule is on trial."}, []string{"rule", "result"}),
		notAssessed: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_risk_not_assessed_total",
			Help: "Commands of types that no rule is evaluated for."}),
		asked: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_risk_velocity_asked_total",
			Help: "Commands that were counted and asked velocity."}),
		late: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_risk_velocity_late_total",
			Help: "Answers of velocity that were missing: not there within velocity.within, lost, or never asked for because the signal could not be sent."}),
		unconverted: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_risk_velocity_unconverted_total",
			Help: "Commands whose amount no rate of exchange converts into a currency that velocity adds up in: sums over them have no answer."}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_rules_reloads_total",
			Help: "Attempts to take a new rule set into force, by set (live, candidate, or routes for the routing file) and result."}, []string{"set", "result"}),
		candidates: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_candidate_decisions_total",
			Help: "Decisions that a candidate rule set was evaluated beside, by the live outcome and the candidate's (failed: none)."},
			[]string{"live", "candidate"}),
		broken: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "weir_rules_broken",
			Help: "1 while the rules on disk or those deployed last cannot be used and the last good set is in force."}, []string{"set"}),
	}
	m.tripped = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "weir_rules_tripped",
		Help: "1 for each rule that is in the shadow because it blocked more than its breaker allows; * is the whole rule set."}, []string{"rule"})
	m.listEdits = prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_risk_list_edits",
		Help: "Offset in risk.lists.v1 below which edits of lists are in force in this process."})
	m.routed = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_risk_routes_total",
		Help: "What plans say of PSPs: first, later (asked where those before are not to be), or why it is left out."}, []string{"psp", "place"})
	for _, stage := range rules.Stages() {
		for _, o := range []topics.Outcome{topics.OutcomePass, topics.OutcomeStepUp, topics.OutcomeHold, topics.OutcomeBlock, topics.OutcomeAllow} {
			m.decisions[said{stage, o}] = decisions.WithLabelValues(string(stage), string(o))
		}
	}
	for _, c := range []prometheus.Collector{decisions, m.refusals, m.deadLettered, m.ruleResults, m.notAssessed, m.asked, m.late, m.unconverted, m.reloads, m.broken, m.candidates, m.tripped, m.listEdits, m.routed} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of the risk role: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) refused(code topics.RefusalCode) { m.refusals.WithLabelValues(string(code)).Inc() }

func (m *metrics) decided(d *topics.Decision) {
	if d.RuleSet == "" {
		m.notAssessed.Inc()
		return
	}
	m.decisions[said{cmp.Or(d.Stage, topics.StageBeforeAuthorization), d.Outcome}].Inc()
	for _, r := range d.Rules {
		result := string(r.Result)
		if r.Shadow {
			result = "shadow_" + result
		}
		m.ruleResults.WithLabelValues(r.Rule, result).Inc()
	}
}

// compared counts what the candidate said beside what was decided.
func (m *metrics) compared(d *topics.Decision) {
	m.candidates.WithLabelValues(string(d.Outcome), cmp.Or(string(d.Candidate.Outcome), "failed")).Inc()
}

// planned counts what a plan says. PSPs are those of the routing file.
func (m *metrics) planned(p *topics.RoutePlan) {
	place := "first"
	for _, c := range p.Candidates {
		m.routed.WithLabelValues(c.PSP, place).Inc()
		place = "later"
	}
	for _, l := range p.LeftOut {
		m.routed.WithLabelValues(l.PSP, l.Reason).Inc()
	}
}

func (m *metrics) reloaded(set string, err error) {
	if err != nil {
		m.reloads.WithLabelValues(set, "failed").Inc()
		m.broken.WithLabelValues(set).Set(1)
		return
	}
	m.reloads.WithLabelValues(set, "ok").Inc()
	m.broken.WithLabelValues(set).Set(0)
}
