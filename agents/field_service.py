"""Who answers about visits and crews."""

from agents.module_agent import ModuleAgent
from tools import field_service

AGENT = ModuleAgent(
    handles="visits by an engineer: free times, booking, when it is, calling it off; for staff jobs and crews",
    for_customers=(field_service.free_visit_slots, field_service.book_visit, field_service.my_visits, field_service.cancel_visit),
    for_staff=(
        field_service.visits_of,
        field_service.free_visit_slots_for,
        field_service.book_visit_for,
        field_service.open_jobs,
        field_service.send_crew,
        field_service.complete_job,
        field_service.my_next_step,
        field_service.record_reading,
        field_service.port_of_my_job,
        field_service.close_my_job,
    ),
)
