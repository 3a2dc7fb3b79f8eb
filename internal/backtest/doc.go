// Package backtest measures a rule set on history: what it decides, what each rule does to that, how that compares with
// labels and with another set; and reports it as text, as JSON and as an HTML file. rules/backtest is the data path.
//
// # Measures
//
// With F frauds and G good attempts among those that are measured and labelled, f and g of them stopped:
//
//	precision               f / (f + g)
//	recall                  f / F
//	F1                      2f / (f + g + F), the harmonic mean of both
//	good per fraud          g / f
//	average precision       Σ (Rᵢ − Rᵢ₋₁) Pᵢ over the different scores, highest first; Rᵢ and Pᵢ are recall and precision where
//	                        all attempts with that score or a higher one are stopped
//	ROC AUC                 the share of the F·G pairs of a fraud and a good attempt in which the fraud has the higher score,
//	                        a tie counting one half
//	top cards               cardRanking
//
// Stopped is what the outcome block, hold or step_up asks for; the measures are given for block alone, for block and hold,
// and for all three. Amounts are sums by currency in whole minor units; only ratios are floating-point numbers.
package backtest
