from forecast.scenarios import compare_scenarios
from .conftest import CLASH, assumed
def test_a(base):
    import time
    print([ (t.name,[m.probability for m in t.milestones]) for t in base.forecast.targets])
    t=time.time()
    for f in compare_scenarios(base,[assumed(CLASH), assumed({**CLASH,"severity":4}, name="b"), assumed({"date":"2022-08-15","category":"sanction","severity":3,"seen":True,"by":"USA"}, name="c")]):
        print(f.name, f.method, f.effective_draws,[(t.name,[(m.probability,m.difference, m.by_assumption) for m in t.milestones], t.after) for t in f.targets])
    print(time.time()-t)
