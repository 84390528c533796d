"""Who answers about customers and how they wish to be reached."""

from agents.module_agent import ModuleAgent
from tools import crm

AGENT = ModuleAgent(
    handles="what we hold on a customer, how they wish to be reached; for staff: finding a customer, records kept twice, who may leave",
    for_customers=(
        crm.my_details,
        crm.stop_messages,
        crm.start_messages,
        crm.prefer_channel,
        crm.keep_quiet,
        crm.who_acts_for_me,
        crm.let_somebody_act,
        crm.no_longer_acts,
    ),
    for_staff=(
        crm.find_customer,
        crm.show_customer,
        crm.note_interaction,
        crm.possible_twins,
        crm.merge_records,
        crm.undo_merge,
        crm.risk_of_leaving,
        crm.may_act_for,
        crm.number_moved,
        crm.suspend_line,
        crm.resume_line,
    ),
)
