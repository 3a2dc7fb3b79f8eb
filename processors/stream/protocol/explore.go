package protocol

// Counterexample is the shortest way found to a broken invariant.
type Counterexample struct {
	Broken string
	Steps  []string
}

// Limits bound an exploration.
type Limits struct {
	Faults   int8 // crashes, lost answers, timeouts and damages of the inbox together
	Starts   int8 // sessions that may be opened together
	Oversize int8 // the record whose output the broker refuses, -1 for none
}

// Explore visits every state that is reachable within the limits, breadth first, and returns how many there were and
// the first broken invariant, nil for none. P8 is checked on each state by letting one owner finish alone.
func Explore(rules Rule, limits Limits) (visited int, found *Counterexample) {
	s := &stepper{rules: rules, oversize: limits.Oversize}
	type origin struct {
		from World
		step string
	}
	start := Start(limits.Faults, limits.Starts)
	origins := map[World]origin{start: {}}
	queue := []World{start}
	trace := func(w World) []string {
		var steps []string
		for w != start {
			o := origins[w]
			steps = append([]string{o.step}, steps...)
			w = o.from
		}
		return steps
	}
	for len(queue) > 0 {
		w := queue[0]
		queue = queue[1:]
		if w.broken != "" {
			return len(origins), &Counterexample{w.broken, trace(w)}
		}
		if broken, alone := s.finish(w); broken != "" {
			return len(origins), &Counterexample{broken, append(trace(w), alone...)}
		}
		for _, step := range s.Next(w) {
			if _, seen := origins[step.World]; !seen {
				origins[step.World] = origin{w, step.Name}
				queue = append(queue, step.World)
			}
		}
	}
	return len(origins), nil
}

// stepsMost is more than one owner needs to finish from any state.
const stepsMost = 64

// finish lets owner 0 run alone and without faults (P8). It returns what is broken then, "" for nothing, and the steps
// it took. A damaged inbox needs an operator and is left out.
func (s *stepper) finish(w World) (broken string, alone []string) {
	if w.recreated || w.truncated {
		return "", nil
	}
	w.faults, w.starts = 0, 2 // the first session may meet the fence
	w.late = [owners]pendingCommit{}
	w.owners[1] = owner{phase: stopped, unwritten: -1}
	w.reopen(0)
	single := &stepper{rules: s.rules, oversize: s.oversize}
	for range stepsMost {
		steps := single.Next(w)
		if len(steps) == 0 {
			break
		}
		w = steps[0].World
		alone = append(alone, steps[0].Name)
		if w.broken != "" {
			return w.broken, alone
		}
	}
	if w.published != records || w.committed.len != records {
		return "P8: one owner left alone does not publish everything", alone
	}
	return "", nil
}
