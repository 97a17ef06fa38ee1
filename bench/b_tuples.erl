%% Tuples: records updated, elements read by position, large tuples changed.
-module(b_tuples).
-export([run/0]).

-record(account, {id, owner, balance = 0, limit = 100, history = []}).

run() ->
    Account = records(25000000, #account{id = 1, owner = anyone}),
    Sieve = lists:sum([sieve(list_to_tuple(lists:seq(1, 100)), 2) || _ <- lists:seq(1, 8000)]),
    Swapped = positions(12000000, {3, 1, 4, 2, 5}, 1),
    {Account#account.balance, Sieve, Swapped}.

records(0, Account) -> Account;
records(N, #account{balance = B, limit = L} = Account) when B > L -> records(N - 1, Account#account{balance = 0, limit = L + 1});
records(N, #account{balance = B} = Account) -> records(N - 1, Account#account{balance = B + 7, history = N}).

sieve(Tuple, N) when N > 10 -> length([X || X <- tuple_to_list(Tuple), X =/= 0]);
sieve(Tuple, N) -> sieve(strike(Tuple, N, N + N), N + 1).

strike(Tuple, _, At) when At > tuple_size(Tuple) -> Tuple;
strike(Tuple, N, At) -> strike(setelement(At, Tuple, 0), N, At + N).

positions(0, _, At) -> At;
positions(N, Tuple, At) -> positions(N - 1, Tuple, element(At, Tuple)).
