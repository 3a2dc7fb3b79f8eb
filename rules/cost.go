package rules

// MaxCost is what a condition may cost at most, by CEL's estimate of the worst case.
const MaxCost = maxCost

// WorstCost is what a rule, by its place in Rules, costs at most by CEL's estimate: of a score card, all its items together.
func (s *Set) WorstCost(rule int) uint64 {
	r := &s.rules[rule]
	if r.card == nil {
		return s.program.worst[r.condition]
	}
	sum := uint64(0)
	for i := range r.card.items {
		sum += s.program.worst[r.card.items[i].condition]
	}
	return sum
}

// Alone evaluates one of the rules of the last input by itself, as if no other rule had its expressions. rule is its place
// in Set.Rules; below zero nothing is evaluated, which takes what Alone does besides. It is for those who take the time.
func (e *Evaluation) Alone(rule int) {
	clear(e.machine.memo)
	if rule >= 0 {
		e.set.rules[rule].truth(e.machine)
	}
}
